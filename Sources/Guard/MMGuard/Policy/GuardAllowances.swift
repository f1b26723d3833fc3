/// What a caller's protocol permits that otherwise requires a person.
///
/// Callers of the current tools, routes and commands have none of these.
public struct GuardAllowances: OptionSet, Sendable, Hashable {
    /// The allowances as bits.
    public let rawValue: UInt8

    /// Creates allowances from their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Commands of the warned list run with a warning instead of a question.
    package static let warnedCommands = GuardAllowances(rawValue: 1 << 0)
    /// `confirmed: true` in a request confirms sending a message, for connections whose entry says `legacyConfirm`.
    package static let confirmedParameter = GuardAllowances(rawValue: 1 << 1)
}
