"""A multilayer perceptron by PyTorch, as fast as a script without C makes it: the data are tensors from the start, a
batch is one index_select (a DataLoader takes 1.1 to 1.6 times as long on small models), gradients are set to None. bf16 is
autocast."""
import contextlib

import peer

chosen = peer.options(__doc__)

import torch

if chosen.precision == "bf16":
    products = lambda: torch.autocast("cpu", dtype=torch.bfloat16)
else:
    products = contextlib.nullcontext

torch.set_num_threads(chosen.threads)
torch.manual_seed(1)
train_x, train_y, test_x, test_y = (torch.from_numpy(array) for array in peer.load(chosen.data))

widths = [train_x.shape[1], *chosen.hidden, peer.CLASSES]
layers = []
for wide_in, wide_out in zip(widths, widths[1:]):
    layers += [torch.nn.Linear(wide_in, wide_out), torch.nn.ReLU()]
net = torch.nn.Sequential(*layers[:-1])
optimizer = torch.optim.SGD(net.parameters(), lr=chosen.lr, momentum=chosen.momentum)


def epoch():
    order = torch.randperm(len(train_x))[: chosen.samples]
    for rows in order.split(chosen.batch):
        x, y = train_x.index_select(0, rows), train_y.index_select(0, rows)
        optimizer.zero_grad(set_to_none=True)
        with products():
            loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()


seconds = peer.timed(epoch, chosen.epochs)
with torch.no_grad(), products():
    accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
peer.report(seconds, accuracy)
