internal import MMCore
package import MMIdentity

/// The `X-AnchorMailbox` header, which names the mailbox close to which the service runs a request.
package struct ExchangeAnchor: Sendable, Hashable {
    /// The value of the header.
    package let value: String
    /// Whether the value comes from a parameter of the cmdlet, which a second header declares.
    package let isFromParameter: Bool

    private static let arbitrationMailbox = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
    private static let auditMailbox = "SystemMailbox{8cc370d3-822a-4ab8-a926-bb94bd0641a9}"

    /// Determines the anchor of a command: its identity if custom routing is requested, otherwise the caller, otherwise
    /// a mailbox that every tenant has.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - account: the caller; an app has no sign-in name.
    ///   - service: the service that runs it.
    package init(_ command: ExchangeCommand, by account: SignedInAccount, at service: ExchangeService) {
        if command.usesCustomRouting, let hint = Self.hint(command, account.tenantID) {
            value = hint
            isFromParameter = true
            return
        }
        isFromParameter = false
        let domain = account.username.split(separator: "@", maxSplits: 1).dropFirst().first.map(String.init)
        // A partner's person has none in the customer's tenant.
        let hasMailbox = !account.isAway || service == .compliance
        if command.cmdlet.lowercased() == "set-adminauditlogconfig" {
            value = "UPN:\(Self.auditMailbox)@\(domain.flatMap(Self.plain) ?? account.tenantID)"
        } else if hasMailbox, domain.flatMap(Self.plain) != nil, let name = Self.plain(account.username) {
            value = "UPN:\(name)"
        } else if service == .compliance {
            value = "UPN:OAuthUser@\(account.tenantID)"
        } else {
            value = "APP:\(Self.arbitrationMailbox)@\(account.tenantID)"
        }
    }

    /// Returns the anchor for a mailbox or folder identity that is an address or a GUID; `nil` for other forms.
    private static func hint(_ command: ExchangeCommand, _ tenant: String) -> String? {
        for name in ["Identity", "Mailbox"] {
            guard let text = command.parameters[name]?.string else { continue }
            let identity = String(text.prefix { $0 != ":" })
            guard let identity = plain(identity) else { continue }
            if GUID.isValid(identity) { return "MBX:\(identity)@\(tenant)" }
            let parts = identity.split(separator: "@", omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return "SMTP:\(identity)" }
        }
        return nil
    }

    /// Returns a text if a header can carry it.
    private static func plain(_ text: String) -> String? {
        !text.isEmpty && text.utf8.count <= 320 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
    }
}
