"""SavedModels for TF Serving: `publish` writes one, checks it in a fresh process and gives it the next version.

What a server can ask for is in `signatures`, the check in `verification`. Training does not belong here.
"""

from keras_gen.export.publishing import check_name, publish, published_versions
from keras_gen.export.verification import VerificationError

__all__ = ["VerificationError", "check_name", "publish", "published_versions"]
