package import MMIdentity

/// The two endpoints that run cmdlets. Both use the same protocol, but have their own hosts and tokens.
package enum ExchangeService: String, Sendable, Hashable, CaseIterable {
    /// Exchange Online.
    case exchange
    /// Security & Compliance, which has no PowerShell module for Linux.
    case compliance

    /// The resource of its tokens.
    package var resource: ServiceResource {
        switch self {
        case .exchange: .exchange
        case .compliance: .compliance
        }
    }

    /// The name that people know it by.
    package var title: String {
        switch self {
        case .exchange: "Exchange Online"
        case .compliance: "Security & Compliance"
        }
    }
}
