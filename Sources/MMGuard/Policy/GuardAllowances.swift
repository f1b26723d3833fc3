/// What a caller's protocol lets through that otherwise needs a person.
///
/// Callers of today's tools, routes and commands have none of these.
public struct GuardAllowances: OptionSet, Sendable, Hashable {
    /// The allowances as bits.
    public let rawValue: UInt8

    /// Allowances from their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Commands of the warned list run with a warning.
    public static let warnedCommands = GuardAllowances(rawValue: 1 << 0)
    /// `confirmed: true` in a request confirms sending a message, for connections whose entry says `legacyConfirm`.
    public static let confirmedParameter = GuardAllowances(rawValue: 1 << 1)
}
