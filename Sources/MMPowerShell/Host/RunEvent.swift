/// What comes from a running command, in order.
public enum RunEvent: Sendable, Hashable {
    /// A record.
    case record(PowerShellRecord)
    /// Text that the process wrote past its streams while the command ran.
    case console(ConsoleText)
    /// The end; nothing follows.
    case end(CommandEnd)
}
