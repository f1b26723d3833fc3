package import MMCore

/// Files of drives: the service keeps what a file held before, and makes it the current version again.
extension Change {
    /// The member of a file's state that names its current version.
    static let versionKey = "version"

    /// What of an item tells one content from another.
    static let shownContent = "?$select=id,name,size,cTag,file"

    /// Reads out of a request that sends bytes to a file of a drive what it changes; `nil` for any other place.
    /// - Parameters:
    ///   - target: where the bytes, or the wish for an upload session, are sent.
    ///   - name: the file's name, where it is known otherwise than by the path.
    package init?(contentOf target: RequestTarget, name: String? = nil) {
        self.init(of: target.segments.dropLast(), version: target.version, name: name)
    }

    /// Reads out of a request that makes an earlier version of a file the current one what it changes; `nil` for any other.
    init?(restoringBy target: RequestTarget) {
        let steps = target.segments
        guard steps.count > 3, steps[steps.count - 3].lowercased() == "versions" else { return nil }
        self.init(of: steps.dropLast(3), version: target.version, name: nil)
        others = [Subject(id: steps[steps.count - 2])]
    }

    private init?(of item: ArraySlice<String>, version: String?, name: String?) {
        var steps = Array(item)
        // The colon behind a path says that something of the item follows.
        if let last = steps.last, last.hasSuffix(":"), last.count > 1 {
            steps[steps.count - 1] = String(last.dropLast())
        }
        let found = steps.last ?? ""
        self.init(
            .content, version: version ?? "v1.0", place: steps.map { "/" + Self.step($0) }.joined(),
            subject: Subject(id: found, name: name ?? found))
        guard driveItems != nil else { return nil }
    }

    /// The change where there was no such file: it makes one.
    var newFile: Change {
        guard let (items, _) = driveItems else { return unreadable("there is no such object") }
        return Change(
            .creation, version: version, place: items, keys: ["size", "cTag", "file"],
            subject: Subject(id: "", name: subject.name), after: [:], isBeforeKnown: true)
    }

    /// The versions of the file, the current one first.
    package var versionsPath: String? {
        guard kind == .content else { return nil }
        // A path to an item ends with a colon, where something of the item follows.
        return versioned(place) + (driveItems?.isPath == true ? ":" : "") + "/versions"
    }

    // MARK: What it held

    /// What tells the content of an item from another one.
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
        change.obstacle = "the service lists no versions of it"
        return change
    }

    /// Takes over which version was the current one.
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

    /// Whether a new file still holds what it was made with: what was written into it since may have been taken back.
    func isFileAsMade(_ present: JSONValue) -> Bool {
        guard kind == .creation, keys.contains("cTag"), let after else { return false }
        return Self.isSameContent(.object(Self.content(of: after)), .object(Self.content(of: present)))
    }

    /// Why the version before can't become the current one again; `nil` where it can.
    /// - Parameter versions: those that there are now, the current one first.
    package func versionObstacle(_ versions: [JSONValue]) -> String? {
        guard let version = before?[Self.versionKey]?.string else { return nil }
        let ids = versions.compactMap { $0["id"]?.string }
        guard ids.contains(version) else { return "version \(version) of it is not kept any more" }
        return ids.first == version ? "the service kept no version of what it held before" : nil
    }

    /// What has become of it, by what the file holds now.
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
        // A list of versions shows nothing but their size.
        guard one?["quickXorHash"] == nil, one?["cTag"] == nil, let size = one?["size"]?.int else { return false }
        return size == other["size"]?.int
    }
}
