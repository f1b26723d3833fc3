/// A command of a running pipeline.
class Stage {
    /// Receives the command's output.
    var next: Sink = { _ in }
    /// Whether this is the last command.
    var isLast = false
    /// Receives an error that doesn't end the command by itself.
    var report: (NativeError) throws(Interrupt) -> Void = { _ in }

    /// Processes an incoming object.
    func process(_ item: PSValue) throws(Interrupt) {}
    /// Called once, after the last object.
    func finish() throws(Interrupt) {}
    /// Called before the first object.
    func begin() throws(Interrupt) {}
}

/// The value of `-ErrorAction`.
enum ErrorAction {
    case goOn, silence, stop
}
