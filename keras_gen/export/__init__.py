"""SavedModels for TF Serving: `publish` writes one, checks it in fresh processes and gives it the next version.

`signatures` defines what a server can ask for, `verification` the check, `runtimes` the programs that load a model
for it.
Training does not belong here.
"""

from keras_gen.export.comparison import changes
from keras_gen.export.interface import recorded_inputs
from keras_gen.export.publishing import publish
from keras_gen.export.verification import VerificationError, verify
from keras_gen.export.versions import check_name, published_versions

__all__ = ["VerificationError", "changes", "check_name", "publish", "published_versions", "recorded_inputs", "verify"]
