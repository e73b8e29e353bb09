"""What Part D's runs leave: frozen features, fine-tuning on them, and the pre-training of the embedded net.

CSC413 2020 and 2021, programming assignment 2.
"""

from cnnreport.kinds.kind import Kind, Recorded

_WEIGHTS = ("architecture", "weights_title", "weights_origin", "weights_sha256")
"""Texts that say where the weights of the frozen net are from."""

_SHAPE = (
    Recorded("channels", "channels of the last layer’s input", "count", "measures", "feature_channels",
             of_data=True),
    Recorded("side", "height and width of the last layer’s input", "count", "measures", "feature_side",
             of_data=True),
)  # fmt: skip
"""Of the features (N, C, h, w), h and w being the same."""

_CALIBRATED = Recorded(
    "calibrated", "training images that set the batch norm of the frozen random net", "count", "measures",
    "calibration_images", of_data=True,
)  # fmt: skip
"""None, if the frozen net is pre-trained."""

FINE_TUNING = Kind(
    name="fine-tuning",
    recorded=(
        Recorded("batch_size", "batch size", "count", "spec"),
        Recorded("learning_rate", "learning rate", "number", "spec"),
        Recorded("train_loss", "training loss", "loss", "history", live="loss"),
        Recorded("train_mean_iou", "mean IoU, training", "score", "history"),
        Recorded("loss", "validation loss", "loss", "history", "validation_loss", result=True, axis="loss"),
        Recorded("accuracy", "pixel accuracy", "share", "history", "validation_accuracy", result=True),
        Recorded("mean_iou", "mean IoU", "score", "history", "validation_mean_iou", live="mean IoU",
                 result=True, axis="mean IoU", best="highest"),
        Recorded("flower_iou", "flower IoU per image", "score", "history", "validation_flower_iou"),
        Recorded("starter", "starter’s score", "score", "history", "validation_starter_score",
                 best="highest"),
        Recorded("boundary_f", "boundary F-score", "score", "measures"),
        Recorded("share_predicted", "share of pixels called flower", "share", "measures",
                 "flower_share_predicted"),
        Recorded("image_lowest", "flower IoU, worst image", "score", "measures", "flower_iou_minimum"),
        Recorded("image_median", "flower IoU, median image", "score", "measures", "flower_iou_median"),
        Recorded("image_highest", "flower IoU, best image", "score", "measures", "flower_iou_maximum"),
        Recorded("train_images", "training images, repeats counted", "count", "measures", of_data=True),
        Recorded("train_distinct", "different training images", "count", "measures", of_data=True),
        Recorded("validation_images", "validation images", "count", "measures", of_data=True),
        Recorded("validation_seen", "validation images that are trained on too", "count", "measures",
                 of_data=True),
        Recorded("without_trimap", "images without a trimap", "count", "measures", of_data=True),
        Recorded("flower_share", "share of pixels that are flower", "share", "measures", of_data=True),
        Recorded("everywhere", "flower IoU of flower everywhere", "score", "measures", "all_flower_iou",
                 of_data=True),
        Recorded("prior", "flower IoU of the fixed map", "score", "measures", "prior_flower_iou",
                 of_data=True),
        Recorded("prior_mean", "mean IoU of the fixed map", "score", "measures", "prior_mean_iou",
                 of_data=True),
        Recorded("image_size", "height and width of the images", "count", "measures", of_data=True),
        Recorded("tolerance", "tolerance of the boundary F-score, pixels", "count", "measures",
                 "boundary_tolerance", of_data=True),
        *_SHAPE,
        Recorded("learned", "parameters that learn", "count", "measures", "parameters_learned", of_data=True),
        Recorded("frozen", "parameters that are frozen", "count", "measures", "parameters_frozen",
                 of_data=True),
        _CALIBRATED,
        Recorded("epochs", "epochs", "count", "measures", of_data=True),
        Recorded("updates", "updates", "count", "measures", of_data=True),
    ),
    texts=("skipped", "diverged", *_WEIGHTS),
    samples=(*(f"{kind}_{name}" for kind in ("train", "validation", "ranked")
               for name in ("rgb", "mask", "predicted", "iou", "number")),
             "threshold", "threshold_flower_iou", "threshold_mean_iou", "threshold_starter_score",
             "probability_histogram", "image_iou", "image_overlap"),
    table=("mean_iou", "mean_iou_best", "flower_iou", "starter", "starter_best", "accuracy", "boundary_f",
           "share_predicted", "train_mean_iou", "loss", "train_loss"),
)  # fmt: skip

FEATURES = Kind(
    name="frozen features",
    recorded=(
        Recorded("done", "images that are done", "count", "history", "images", live="images"),
        Recorded("images", "images", "count", "measures", of_data=True, result="features of {} images"),
        *_SHAPE,
        Recorded("parameters", "weights of the net", "count", "measures", of_data=True),
        _CALIBRATED,
    ),
    texts=("start", *_WEIGHTS),
    samples=("features", "calibration_images"),
)

PRETRAINING = Kind(
    name="pre-training",
    recorded=(
        Recorded("batch_size", "batch size", "count", "spec"),
        Recorded("learning_rate", "highest learning rate", "number", "spec"),
        Recorded("train_loss", "training loss", "loss", "history", live="loss"),
        Recorded("loss", "validation loss", "loss", "history", "validation_loss", result=True),
        Recorded("accuracy", "validation accuracy", "share", "history", "validation_accuracy",
                 live="accuracy", result=True, axis="pixel accuracy (%)"),
        Recorded("mean_iou", "mean IoU of the classes", "score", "history", "validation_mean_iou",
                 live="mean IoU", result=True, axis="mean IoU"),
        Recorded("appearance_error", "mean squared error of the appearance", "loss", "history",
                 "validation_appearance_error"),
        Recorded("halved_loss", "validation loss in half precision", "loss", "measures",
                 "halved_validation_loss"),
        Recorded("halved_accuracy", "validation accuracy in half precision", "share", "measures",
                 "halved_validation_accuracy"),
        Recorded("halved_mean_iou", "mean IoU of the classes in half precision", "score", "measures",
                 "halved_validation_mean_iou"),
        Recorded("halved_appearance_error", "mean squared error of the appearance in half precision", "loss",
                 "measures", "halved_validation_appearance_error"),
        Recorded("classes", "classes of things", "count", "measures", of_data=True),
        Recorded("parameters", "weights of the net", "count", "measures", of_data=True),
        Recorded("updates", "updates", "count", "measures", of_data=True),
    ),
    texts=("architecture",),
    table=("train_loss", "loss", "accuracy", "mean_iou", "appearance_error"),
)  # fmt: skip
