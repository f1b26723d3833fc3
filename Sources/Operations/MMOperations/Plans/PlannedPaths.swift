import MMCore

/// The paths that steps write to, in lower case and without their version.
struct PlannedPaths: Sendable {
    private var paths: [String] = []

    /// Adds the path of a request that became a step.
    /// - Parameter subjects: the objects that it changes, which a later read may name by id or by name.
    mutating func add(_ target: String, of subjects: [Change.Subject]) {
        let path = Self.plain(target)
        paths.append(path)
        for subject in subjects {
            guard let name = subject.name?.lowercased(), !name.isEmpty, !subject.id.isEmpty else { continue }
            let id = subject.id.lowercased()
            paths += [(id, name), (name, id)].filter { path.contains("/" + $0.0) }
                .map { path.replacing("/" + $0.0, with: "/" + $0.1) }
        }
    }

    /// Returns whether a read concerns an object that a step would have changed: the same one, one below it, or a list
    /// with it.
    func areRead(at target: String) -> Bool {
        let path = Self.plain(target)
        return paths.contains { $0 == path || $0.hasPrefix(path + "/") || path.hasPrefix($0 + "/") }
    }

    static func path(of target: String) -> String { String(target.prefix { $0 != "?" }).lowercased() }

    private static func plain(_ target: String) -> String {
        let path = path(of: target)
        let version = ["/v1.0/", "/beta/"].first(where: path.hasPrefix)
        return version.map { String(path.dropFirst($0.utf8.count - 1)) } ?? path
    }
}
