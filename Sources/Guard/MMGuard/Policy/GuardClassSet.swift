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

    /// Only reads.
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
