package import MMCore

/// Files of drives. The service keeps earlier contents as versions, and can make one the current version again.
extension Change {
    /// The member of a file's state that names its current version.
    static let versionKey = "version"

    /// The query for the properties of an item that identify its content.
    static let shownContent = "?$select=id,name,size,cTag,file"

    /// Determines what a request that uploads to a file of a drive changes; `nil` for any other place.
    /// - Parameter target: the target of the content or of the request for an upload session.
    package init?(contentOf target: RequestTarget) {
        self.init(of: target.segments.dropLast(), version: target.version)
    }

    /// Determines what a request that restores an earlier version of a file changes; `nil` for any other request.
    init?(restoringBy target: RequestTarget) {
        let steps = target.segments
        guard steps.count > 3, steps[steps.count - 3].lowercased() == "versions" else { return nil }
        self.init(of: steps.dropLast(3), version: target.version)
        others = [Subject(id: steps[steps.count - 2])]
    }

    private init?(of item: ArraySlice<String>, version: String?) {
        var steps = Array(item)
        // A colon after the path ends it; a property or a relation of the item follows.
        if let last = steps.last, last.hasSuffix(":"), last.count > 1 {
            steps[steps.count - 1] = String(last.dropLast())
        }
        let found = steps.last ?? ""
        self.init(
            .content, version: version ?? "v1.0", place: steps.map { "/" + Self.step($0) }.joined(),
            subject: Subject(id: found, name: found))
        guard driveItems != nil else { return nil }
    }

    /// The change for a file that did not exist: a creation.
    var newFile: Change {
        guard let (items, _) = driveItems else { return unreadable("there is no such object") }
        return Change(
            .creation, version: version, place: items, keys: ["size", "cTag", "file"],
            subject: Subject(id: "", name: subject.name), after: [:], isBeforeKnown: true)
    }

    /// The path of the list of the file's versions, the current one first.
    package var versionsPath: String? {
        guard kind == .content else { return nil }
        // A path to an item ends with a colon before a relation of the item.
        return versioned(place) + (driveItems?.isPath == true ? ":" : "") + "/versions"
    }

    // MARK: What it held

    /// Returns the properties of an item that identify its content.
    static func content(of item: JSONValue) -> JSONObject {
        var content = JSONObject()
        for key in ["size", "cTag"] { content[key] = item[key] }
        content["quickXorHash"] = item["file"]?["hashes"]?["quickXorHash"]
        return content
    }

    func knowing(item: JSONValue) -> Change {
        var change = self
        change.subject.name = item["name"]?.string ?? subject.name
        change.before = .object(Self.content(of: item))
        change.obstacle = "the service has no versions of it"
        return change
    }

    /// Returns the change with the id of the version that was current before.
    func knowing(versions: [JSONValue]) -> Change {
        guard isBeforeKnown, var before = before?.object, let current = versions.first?["id"]?.string else {
            return self
        }
        var change = self
        before[Self.versionKey] = .string(current)
        change.before = .object(before)
        change.obstacle = nil
        if let wanted = others.first?.id, let row = versions.first(where: { $0["id"]?.string == wanted }) {
            change.after = .object(["size": row["size"] ?? .null])
        }
        return change
    }

    /// Whether a new file still holds its first content; later writes may have been taken back.
    func isFileAsMade(_ present: JSONValue) -> Bool {
        guard kind == .creation, keys.contains("cTag"), let after else { return false }
        return Self.isSameContent(.object(Self.content(of: after)), .object(Self.content(of: present)))
    }

    /// Returns why the earlier version can't be restored; `nil` if it can.
    /// - Parameter versions: the present versions, the current one first.
    package func versionObstacle(_ versions: [JSONValue]) -> String? {
        guard let version = before?[Self.versionKey]?.string else { return nil }
        let ids = versions.compactMap { $0["id"]?.string }
        guard ids.contains(version) else { return "version \(version) of it no longer exists" }
        return ids.first == version ? "the service kept no version of its earlier content" : nil
    }

    /// Compares the present content with the contents before and after.
    func contentStanding(_ present: JSONValue?) -> Standing {
        guard let present else { return .changed(ObjectDifference(before: after, after: nil)) }
        if let after, Self.isSameContent(after, present) { return .asLeft }
        if isBeforeKnown, Self.isSameContent(before, present) { return .asBefore }
        guard let after = after?.object else { return .unknown }
        return .changed(
            ObjectDifference(before: .object(after), after: .object(Self.only(after.keys, of: present))))
    }

    private static func isSameContent(_ one: JSONValue?, _ other: JSONValue) -> Bool {
        for key in ["cTag", "quickXorHash"] {
            if let known = one?[key]?.string, known == other[key]?.string { return true }
        }
        // A list of versions shows only their sizes.
        guard one?["quickXorHash"] == nil, one?["cTag"] == nil, let size = one?["size"]?.int else { return false }
        return size == other["size"]?.int
    }
}
