internal import MMCore

/// The users that the tenant starts with: none is stored, each is made from its index when somebody asks.
final class UserDirectory: Sendable {
    /// How many there are.
    let count: Int
    /// The domain of the tenant.
    let domain: String
    /// When the tenant started: what happened before is told from here.
    let now: Int64
    /// Who signed in when.
    let signIns: SignInSchedule
    /// Their ids.
    let ids: ObjectIDs
    let mixing: Mixing
    /// `@domain"`, as the end of an address in JSON.
    let domainBytes: [UInt8]
    private let people: People

    init(count: Int, domain: String, now: Int64, mixing: Mixing) {
        self.count = max(count, NamedAccount.all.count)
        self.domain = domain
        self.now = now
        self.mixing = mixing.branch(1)
        signIns = SignInSchedule(users: self.count, now: now, mixing: mixing.branch(17))
        self.ids = ObjectIDs(mixing.branch(2))
        self.domainBytes = Array("@\(domain)\"".utf8)
        self.people = People(offset: self.mixing.number(0, 0xBEEF, below: People.combinations))
    }

    /// The user at an index.
    func row(_ index: Int) -> UserRow {
        UserRow(index: index, directory: self, person: people.person(index))
    }

    /// The index of a user by object id or user principal name.
    func index(of key: String) -> Int? {
        if let index = ids.index(ofGuid: key) { return index < count ? index : nil }
        let key = key.lowercased()
        let suffix = "@\(domain)"
        guard key.hasSuffix(suffix) else { return nil }
        let local = key.dropLast(suffix.count)
        if let index = NamedAccount.all.firstIndex(where: { $0.address.lowercased() == local }) { return index }
        let address = local.prefix { $0 != "_" }
        guard let index = people.index(ofAddress: address), index < count, index >= NamedAccount.all.count else {
            return nil
        }
        return row(index).userPrincipalName.lowercased() == key ? index : nil
    }
}
