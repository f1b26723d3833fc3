/// The kind of effect that a command or request has: the vocabulary of all the guard's tables.
public enum GuardClass: String, Sendable, Hashable, CaseIterable {
    /// Reads, and changes nothing.
    case read
    /// Changes or creates something.
    case write
    /// Makes data flow to an address from now on.
    case subscription
    /// Sends messages to people in somebody's name.
    case send
    /// Gives outsiders access, or moves data out.
    case external
    /// Can't easily be undone.
    case destructive
    /// Returns keys or passwords, or somebody's content in bulk.
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
        case .read: "looks, and changes nothing"
        case .write: "changes or makes something"
        case .subscription: "makes data flow to an address from now on"
        case .send: "reaches people in somebody's name"
        case .external: "lets others in, or data out"
        case .destructive: "can't be undone easily"
        case .secret: "gives out keys, passwords, or content in bulk"
        case .privilege: "changes who may do what, how one signs in, or code that runs elsewhere"
        case .session: "changes who the session acts as, or the modules it runs"
        }
    }
}
