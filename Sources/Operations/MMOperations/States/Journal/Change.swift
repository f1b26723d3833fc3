package import MMCore

/// One write to Microsoft Graph, Power Automate or Exchange as far as it changes a state: what it changes, how that was, and how
/// it is left. It shows the write as a difference, says whether what it left still stands, and takes it back.
package struct Change: Sendable, Hashable {
    /// What a write does.
    package enum Kind: String, Sendable, CaseIterable {
        /// Gives properties of an object other values.
        case properties
        /// Adds references to a list of references.
        case link
        /// Takes a reference out of a list of references.
        case unlink
        /// Sets or clears a reference of which there is one, such as a manager.
        case reference
        /// Assigns and removes licences.
        case licenses
        /// Creates an object.
        case creation
        /// Deletes an object.
        case deletion
        /// Brings a deleted object back.
        case restoration
        /// Does something else.
        case action
    }

    /// An object that a change speaks of, as far as it is known.
    package struct Subject: Sendable, Hashable {
        /// Its id, or another key by which the caller named it.
        package var id: String
        /// What people call it.
        package var name: String?

        /// Creates a subject.
        package init(id: String, name: String? = nil) {
            self.id = id
            self.name = name
        }

        /// The name with the id, or what there is of them.
        package var text: String { name.map { "\($0) (\(id))" } ?? id }
    }

    /// A service that carries writes out.
    package enum Service: String, Sendable, CaseIterable {
        /// Microsoft Graph.
        case graph
        /// Power Automate.
        case flow
        /// Exchange Online, by its cmdlets.
        case exchange
        /// Security & Compliance, by its cmdlets.
        case compliance
    }

    /// What it does.
    package let kind: Kind
    /// Which service carries it out.
    package internal(set) var service = Service.graph
    /// The cmdlet that is written with, where it is no request.
    package internal(set) var cmdlet: CmdletWrite?
    /// `v1.0` or `beta` of Graph; empty elsewhere.
    package let version: String
    /// The path of what is written, without the version: an object, a collection, a list of references. For a cmdlet its noun and
    /// the name of the object.
    package internal(set) var place: String
    /// The properties that are written, where properties are.
    package let keys: [String]
    /// The object itself; for references the object that has them.
    package internal(set) var subject: Subject
    /// The objects at the other end of references.
    package internal(set) var others: [Subject]
    /// How it was: properties by their names. `nil` where it is not known, or there was nothing.
    package internal(set) var before: JSONValue?
    /// How it is left. `nil` where there is nothing any more.
    package internal(set) var after: JSONValue?
    /// Whether the state before is known.
    package internal(set) var isBeforeKnown: Bool
    /// Why it can't be taken back, where it can't.
    package internal(set) var obstacle: String?
    /// The properties whose values are not kept, because they are secret.
    package let secretKeys: [String]
    /// Of an object that is made anew: the ids of those alike that stood there before. One that stands there later without being
    /// among them is the one that was made. `nil` where nobody looked.
    package internal(set) var twins: [String]?
    /// The version of the object that the write left, where the service says it.
    package internal(set) var etag: String?

    init(
        _ kind: Kind, version: String, place: String, keys: [String] = [], subject: Subject, others: [Subject] = [],
        before: JSONValue? = nil, after: JSONValue? = nil, isBeforeKnown: Bool = false, obstacle: String? = nil,
        secretKeys: [String] = [], etag: String? = nil
    ) {
        self.kind = kind
        self.version = version
        self.place = place
        self.keys = keys
        self.subject = subject
        self.others = others
        self.before = before
        self.after = after
        self.isBeforeKnown = isBeforeKnown
        self.obstacle = obstacle
        self.secretKeys = secretKeys
        self.etag = etag
    }

    /// The collection that the path begins with: `users`, `groups`.
    package var collection: String {
        let first = place.split(separator: "/").first.map(String.init) ?? ""
        return String(first.prefix { $0 != "(" })
    }

    /// The last step of the path.
    package var lastStep: String { place.split(separator: "/").last.map(String.init) ?? "" }
}
