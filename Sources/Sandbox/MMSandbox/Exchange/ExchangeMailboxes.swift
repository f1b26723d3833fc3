internal import MMCore

/// The mailboxes that the tenant starts with, made from their index when somebody asks.
final class ExchangeMailboxes: Sendable {
    private let users: UserDirectory

    /// - Parameter users: whose mailboxes they are; as many as the directory, or more.
    init(users: UserDirectory) {
        self.users = users
    }

    /// How many places there are; a guest's holds no mailbox.
    var count: Int { users.count }

    /// The mailbox at a place.
    func mailbox(_ index: Int) -> ExchangeMailbox? {
        index >= 0 && index < count ? ExchangeMailbox(users.row(index)) : nil
    }

    /// Enough of them for a look at names: the search by display name goes no further.
    private static let searched = 20_000

    /// The mailbox of an identity: object id, address, alias, name, distinguished name, or display name.
    func find(_ identity: String) throws(ExchangeFailure) -> ExchangeMailbox {
        var text = identity
        for prefix in ["smtp:", "SMTP:"] where text.hasPrefix(prefix) { text = String(text.dropFirst(prefix.count)) }
        let lower = text.lowercased()
        if let index = users.index(of: text), let found = mailbox(index) { return found }
        for domain in [TenantIdentity.domain, TenantIdentity.initialDomain] {
            let address = lower.hasSuffix("@\(domain)") ? String(lower.dropLast(domain.count + 1)) : lower
            if let index = users.index(of: "\(address)@\(users.domain)"), let found = mailbox(index) { return found }
        }
        var found: ExchangeMailbox?
        for index in 0..<min(count, Self.searched) {
            guard let mailbox = mailbox(index) else { continue }
            guard
                mailbox.displayName.lowercased() == lower || mailbox.name.lowercased() == lower
                    || mailbox.distinguishedName.lowercased() == lower || mailbox.exchangeGuid == lower
            else { continue }
            guard found == nil else { throw .ambiguous(identity) }
            found = mailbox
        }
        guard let found else { throw .notFound(identity) }
        return found
    }
}
