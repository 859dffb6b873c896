"""A multilayer perceptron by scikit-learn: MLPClassifier without penalty and without early stopping; a call of
partial_fit is an epoch."""
import peer

chosen = peer.options(__doc__)

from sklearn.neural_network import MLPClassifier

train_x, train_y, test_x, test_y = peer.load(chosen.data)
train_x, train_y = train_x[: chosen.samples], train_y[: chosen.samples]
net = MLPClassifier(
    hidden_layer_sizes=chosen.hidden,
    activation="relu",
    solver="sgd",
    alpha=0,
    batch_size=chosen.batch,
    learning_rate_init=chosen.lr,
    momentum=chosen.momentum,
    nesterovs_momentum=False,
    random_state=1,
)

seconds = peer.timed(lambda: net.partial_fit(train_x, train_y, classes=range(peer.CLASSES)), chosen.epochs)
peer.report(seconds, float((net.predict(test_x) == test_y).mean()))
