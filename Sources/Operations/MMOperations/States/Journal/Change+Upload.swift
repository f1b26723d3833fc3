package import MMCore

extension Change {
    /// What an upload changes: a new file of a drive, or what a file there holds.
    /// - Parameters:
    ///   - target: where the bytes, or the wish for an upload session, are sent.
    ///   - name: the file's name.
    ///   - existing: the file that is there, where there is one.
    package init?(uploadTo target: RequestTarget, name: String, replacing existing: JSONValue?) {
        let steps = target.segments.dropLast().map { "/" + Self.step($0) }.joined()
        let place = Change(.action, version: target.version ?? "v1.0", place: steps, subject: .init(id: name))
        guard let (items, _) = place.driveItems else { return nil }
        guard let existing, let id = existing["id"]?.string else {
            self.init(
                .creation, version: place.version, place: items, keys: ["size", "cTag"],
                subject: .init(id: "", name: name), after: [:], isBeforeKnown: true)
            return
        }
        self.init(
            .action, version: place.version, place: "\(items)/\(Self.step(id))",
            subject: .init(id: id, name: existing["name"]?.string ?? name), isBeforeKnown: true,
            obstacle: "it replaced what the file held; the version before is in its history "
                + "(/\(place.version)\(items)/\(Self.step(id))/versions)")
    }

    /// The path of the item that an upload leads to: of what is sent, without the last step.
    package static func itemPath(ofUpload target: RequestTarget) -> String {
        var path = "/\(target.version ?? "v1.0")" + target.segments.dropLast().map { "/" + step($0) }.joined()
        // The colon behind a path says that something of the item follows.
        if path.hasSuffix(":") { path.removeLast() }
        return path
    }
}
