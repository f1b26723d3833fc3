package import MMCore

/// One write that changes the state of an object in Microsoft Graph, Power Automate, Exchange or another service: the
/// place, and the states before and after. It shows the write as a difference, tells whether its result still stands,
/// and takes it back.
package struct Change: Sendable, Hashable {
    /// The kind of write.
    package enum Kind: String, Sendable, CaseIterable {
        /// Sets properties of an object.
        case properties
        /// Adds references to a list.
        case link
        /// Removes a reference from a list.
        case unlink
        /// Sets or clears a single-valued reference, such as a manager.
        case reference
        /// Assigns and removes licences.
        case licenses
        /// Creates an object.
        case creation
        /// Deletes an object.
        case deletion
        /// Restores a deleted object.
        case restoration
        /// Replaces a file on a host.
        case file
        /// Replaces the content of a file in a drive.
        case content
        /// Does anything else.
        case action
    }

    /// An object of a change, as far as it is known.
    package struct Subject: Sendable, Hashable {
        /// The id, or another key by which the caller named it.
        package var id: String
        /// The display name or user principal name.
        package var name: String?

        /// Creates a subject.
        package init(id: String, name: String? = nil) {
            self.id = id
            self.name = name
        }

        /// The name with the id, or only the id.
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
        /// The configuration of Teams.
        case teams
        /// Any other service: writes to it are recorded but can't be taken back.
        case other
    }

    /// The kind of write.
    package let kind: Kind
    /// The service that carries it out.
    package internal(set) var service = Service.graph
    /// The cmdlet that writes; `nil` for a request.
    package internal(set) var cmdlet: CmdletWrite?
    /// `v1.0` or `beta` of Graph; empty elsewhere.
    package let version: String
    /// The path that is written, without the version: an object, a collection, a list of references. For a cmdlet its
    /// noun and the name of the object.
    package internal(set) var place: String
    /// The names of the properties that are written, for kinds that write properties.
    package let keys: [String]
    /// The object itself; for references the object that has them.
    package internal(set) var subject: Subject
    /// The objects at the other end of references.
    package internal(set) var others: [Subject]
    /// The state before: properties by their names. `nil` where it is not known or nothing existed.
    package internal(set) var before: JSONValue?
    /// The state after. `nil` where nothing exists any more.
    package internal(set) var after: JSONValue?
    /// Whether the state before is known.
    package internal(set) var isBeforeKnown: Bool
    /// The reason why it can't be taken back; `nil` if it can.
    package internal(set) var obstacle: String?
    /// The properties whose values are not kept, because they are secret.
    package let secretKeys: [String]
    /// Where an object is recreated, the ids of the matching objects that existed before: a matching object that is not
    /// among them later is the recreated one. `nil` where the matching objects were not listed.
    package internal(set) var twins: [String]?
    /// The version (ETag) of the object after the write, where the service returns it.
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

    /// Whether the states before and after are the same.
    package var changesNothing: Bool { isBeforeKnown && after != nil && before == after }
}
