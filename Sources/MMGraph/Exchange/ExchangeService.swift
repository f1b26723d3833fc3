package import MMIdentity

/// Which of the two endpoints runs a cmdlet: both speak the same language on hosts and with tokens of their own.
package enum ExchangeService: String, Sendable, Hashable, CaseIterable {
    /// Exchange Online.
    case exchange
    /// Security & Compliance, which has no PowerShell module on Linux at all.
    case compliance

    /// What its tokens are for.
    package var resource: ServiceResource {
        switch self {
        case .exchange: .exchange
        case .compliance: .compliance
        }
    }

    /// What people call it.
    package var title: String {
        switch self {
        case .exchange: "Exchange Online"
        case .compliance: "Security & Compliance"
        }
    }
}
