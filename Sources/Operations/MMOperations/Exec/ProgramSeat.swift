package import MMSystem

/// Where a program stands that a call starts: the caller's own streams, and the terminal behind them.
package protocol ProgramSeat: Sendable {
    /// What the program's standard streams are connected to.
    var streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream) { get }
    /// The size of a terminal that is made for the program; nil where none of its streams is one.
    var terminal: Terminal.Size? { get }

    /// Gives the program what is typed, shows what it writes, and hands it the caller's signals, until it has ended.
    /// - Returns: how it ended.
    func attend(_ program: any SeatedProgram) async -> ChildProcess.Exit

    /// Does something for which the person needs the terminal, while the program has none of it.
    func aside<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value
}

/// A program that has a seat.
package protocol SeatedProgram: Sendable {
    /// Its terminal, where it has one of its own.
    var terminal: PseudoTerminal? { get }
    /// Sends a signal to it and all that it has started. Reads `/proc`, and may block.
    func signal(_ number: Int32)
    /// Waits for its end.
    func exit() async -> ChildProcess.Exit
}
