/// One command of a running pipeline.
class Stage {
    /// Takes what this command puts out.
    var next: Sink = { _ in }
    /// Whether this is the last command.
    var isLast = false
    /// Takes an error that does not end the command by itself.
    var report: (NativeError) throws(Interrupt) -> Void = { _ in }

    /// Takes an object that arrives.
    func process(_ item: PSValue) throws(Interrupt) {}
    /// Called once, when no more objects come.
    func finish() throws(Interrupt) {}
    /// Called before the first object.
    func begin() throws(Interrupt) {}
}

/// What `-ErrorAction` asks for.
enum ErrorAction {
    case goOn, silence, stop
}
