"""What the training of a classifier leaves behind; see `cnnreport.training.classification`."""

from cnnreport.kinds.kind import Kind, Recorded

KIND = Kind(
    name="classification",
    recorded=(
        Recorded("batch_size", "batch size", "count", "spec"),
        Recorded("learning_rate", "learning rate", "number", "spec"),
        Recorded("train_loss", "training loss", "loss", "history"),
        Recorded("train_accuracy", "training accuracy", "share", "history"),
        Recorded("loss", "validation loss", "loss", "history", "validation_loss", live="loss", result=True,
                 axis="loss (nats)"),
        Recorded("accuracy", "validation accuracy", "share", "history", "validation_accuracy",
                 live="accuracy", result=True, axis="accuracy (%)", best="highest"),
        Recorded("top3_accuracy", "right class among the three highest scores", "share", "measures"),
        Recorded("balanced_accuracy", "mean accuracy of the classes", "share", "measures"),
        Recorded("chance_accuracy", "accuracy of guessing", "share", "measures", of_data=True),
        Recorded("chance_loss", "loss of guessing", "loss", "measures", of_data=True),
        Recorded("frequent_accuracy", "accuracy of always naming the most frequent class", "share",
                 "measures", of_data=True),
        Recorded("train_images", "training images", "count", "measures", of_data=True),
        Recorded("validation_images", "validation images", "count", "measures", of_data=True),
        Recorded("classes", "classes", "count", "measures", of_data=True),
        Recorded("parameters", "learned parameters", "count", "measures", of_data=True),
        Recorded("epochs", "epochs", "count", "measures", of_data=True),
        Recorded("updates", "updates", "count", "measures", of_data=True),
        Recorded("updates_per_epoch", "updates in an epoch", "count", "measures", of_data=True),
    ),
    texts=("diverged", "class_names", "confused"),
    samples=(
        "confusion",
        "class_accuracy",
        *(
            f"{which}_{name}"
            for which in ("right", "wrong")
            for name in ("images", "label", "predicted", "probability", "index")
        ),
    ),
    table=("loss", "train_loss", "accuracy", "accuracy_best", "train_accuracy", "top3_accuracy",
           "balanced_accuracy"),
)  # fmt: skip
