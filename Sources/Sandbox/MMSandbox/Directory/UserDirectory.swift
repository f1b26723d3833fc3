internal import MMCore

/// The initial users of the tenant. None is stored; each is generated from its index on request.
final class UserDirectory: Sendable {
    /// The number of users.
    let count: Int
    /// The domain of the tenant.
    let domain: String
    /// The start time of the tenant, from which earlier events are dated.
    let now: Int64
    /// The schedule of past sign-ins.
    let signIns: SignInSchedule
    /// The object ids of the users.
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

    /// Returns the user at an index.
    func row(_ index: Int) -> UserRow {
        UserRow(index: index, directory: self, person: people.person(index))
    }

    /// Returns the index of a user by object id or user principal name.
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

/// The sign-ins of the last thirty days: every active account appears in each of two rounds, so that the log agrees
/// with the users' own activity.
struct SignInSchedule: Sendable {
    /// The number of entries in the log.
    let count: Int
    private let users: Int
    private let now: Int64
    private let mixing: Mixing
    private let ids: ObjectIDs
    /// The step through the users, coprime to their number, and its inverse.
    private let step: Int
    private let back: Int

    init(users: Int, now: Int64, mixing: Mixing) {
        self.users = users
        self.now = now
        self.mixing = mixing
        ids = ObjectIDs(mixing)
        count = users * 2
        let primes = [7919, 104_729, 15_485_863]
        step = (primes.first { users % $0 != 0 } ?? 1) % users
        back = Self.inverse(of: step, modulo: users)
    }

    /// Returns the modular inverse of a number (extended Euclidean algorithm).
    private static func inverse(of number: Int, modulo: Int) -> Int {
        var (old, rest) = (number, modulo)
        var (oldFactor, factor) = (1, 0)
        while rest != 0 {
            let quotient = old / rest
            (old, rest) = (rest, old - quotient * rest)
            (oldFactor, factor) = (factor, oldFactor - quotient * factor)
        }
        return ((oldFactor % modulo) + modulo) % modulo
    }

    /// Returns the index of an entry's user; the newest entry is first. The turn of an inactive user goes to the next.
    func user(at entry: Int, isActive: (Int) -> Bool) -> Int {
        var place = entry % users
        for _ in 0..<users {
            let user = place * back % users
            if isActive(user) { return user }
            place = (place + 1) % users
        }
        return 0
    }

    /// Returns when an active user last signed in.
    func last(of user: Int, isActive: (Int) -> Bool) -> Int64 {
        var entry = user * step % users
        while entry > 0, !isActive((entry - 1) * back % users) { entry -= 1 }
        return time(of: entry)
    }

    /// Returns the time of an entry.
    func time(of entry: Int) -> Int64 {
        let gap = max(1, 30 * 86_400 / count)
        return now - Int64(entry * gap) - Int64(mixing.number(entry, 7, below: gap))
    }

    /// Returns the id of an entry.
    func id(of entry: Int) -> String { ids.guid(entry) }

    /// Returns the id of the request that an entry belongs to.
    func correlationID(of entry: Int) -> String { ids.guid(count + entry) }

    /// Returns the entry with an id.
    func entry(ofID id: String) -> Int? { ids.index(ofGuid: id).flatMap { $0 < count ? $0 : nil } }
}
