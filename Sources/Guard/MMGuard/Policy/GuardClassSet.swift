/// The classes of one command or request; the strictest one decides.
public struct GuardClassSet: OptionSet, Sendable, Hashable {
    /// The bits, in the order of the compiled tables.
    public let rawValue: UInt16

    /// Creates a set of classes from their bits.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Creates the set of one class.
    public init(_ one: GuardClass) {
        switch one {
        case .read: self = .read
        case .write: self = .write
        case .destructive: self = .destructive
        case .send: self = .send
        case .privilege: self = .privilege
        case .secret: self = .secret
        case .external: self = .external
        case .session: self = .session
        case .subscription: self = .subscription
        }
    }

    /// Creates the set of several classes.
    package init(_ several: [GuardClass]) {
        self = several.reduce(into: GuardClassSet()) { $0.formUnion(GuardClassSet($1)) }
    }

    /// Reads only.
    public static let read = GuardClassSet(rawValue: 1)
    /// Changes something.
    public static let write = GuardClassSet(rawValue: 2)
    /// Can't easily be undone.
    public static let destructive = GuardClassSet(rawValue: 4)
    /// Sends messages to people.
    public static let send = GuardClassSet(rawValue: 8)
    /// Changes permissions.
    public static let privilege = GuardClassSet(rawValue: 16)
    /// Returns secrets.
    public static let secret = GuardClassSet(rawValue: 32)
    /// Gives outsiders access, or moves data out.
    public static let external = GuardClassSet(rawValue: 64)
    /// Changes the session itself.
    public static let session = GuardClassSet(rawValue: 128)
    /// Makes data flow to an address from now on.
    public static let subscription = GuardClassSet(rawValue: 256)

    /// The classes in the set, strictest first.
    public var classes: [GuardClass] {
        GuardClass.allCases.reversed().filter { contains(GuardClassSet($0)) }
    }

    /// The strictest class; `read` for the empty set.
    public var strictest: GuardClass {
        var best = GuardClass.read
        for one in GuardClass.allCases where one.rank > best.rank && contains(GuardClassSet(one)) { best = one }
        return best
    }
}

/// The kinds of effect that a command or request can have: the vocabulary of all tables of the guard.
public enum GuardClass: String, Sendable, Hashable, CaseIterable {
    /// Reads, and changes nothing.
    case read
    /// Changes or creates something.
    case write
    /// Makes data flow to an address from now on.
    case subscription
    /// Sends messages in a person's name.
    case send
    /// Gives outsiders access, or moves data out.
    case external
    /// Can't easily be undone.
    case destructive
    /// Returns keys or passwords, or people's content in bulk.
    case secret
    /// Changes permissions, ways to sign in, or code that runs elsewhere.
    case privilege
    /// Changes the identity of the session; only the product itself does that.
    case session

    /// Returns the class with this name; also accepts the two longer names of the request tables.
    public init?(word: String) {
        switch word.lowercased() {
        case "external-sharing": self = .external
        case "secret-read": self = .secret
        case let word: self.init(rawValue: word)
        }
    }

    /// The strictness, from 0 for `read`.
    package var rank: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .subscription: 2
        case .send: 3
        case .external: 4
        case .destructive: 5
        case .secret: 6
        case .privilege: 7
        case .session: 8
        }
    }

    /// The class in a few words, for people.
    public var meaning: String {
        switch self {
        case .read: "reads, and changes nothing"
        case .write: "creates or changes something"
        case .subscription: "sends future data to an address"
        case .send: "sends messages to people"
        case .external: "gives outsiders access, or moves data out"
        case .destructive: "can't be undone easily"
        case .secret: "returns keys, passwords, or content in bulk"
        case .privilege: "changes permissions, sign-in settings, or code that runs elsewhere"
        case .session: "changes the session's sign-in or its modules"
        }
    }
}
