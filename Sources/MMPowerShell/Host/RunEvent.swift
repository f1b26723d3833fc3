/// An output event of a running command, in order.
public enum RunEvent: Sendable, Hashable {
    /// A record.
    case record(PowerShellRecord)
    /// Text that the process printed past its streams while the command ran.
    case console(ConsoleText)
    /// The end; no more events follow.
    case end(CommandEnd)
}
