"""What interferes with a training run: callbacks that act at a given moment."""

from tinygrad_edu.training import Callback


class After(Callback):
    """Does something after an update, or after an epoch."""

    def __init__(self, action, *, update=0, epoch=0):
        self.action, self.update, self.epoch = action, update, epoch

    def on_update_end(self, run):
        if len(run.losses) == self.update:
            self.action(run)

    def on_epoch_end(self, run):
        if len(run.epochs) == self.epoch:
            self.action(run)
