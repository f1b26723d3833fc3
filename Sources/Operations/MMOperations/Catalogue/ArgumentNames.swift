import MMCore

/// Which argument a caller means by a name that an operation doesn't have, said in one way for tools, flags and bodies.
package enum ArgumentNames {
    /// Words that callers use for one thing.
    private static let sameThings: [Set<String>] = [
        ["endpoint", "path", "url", "uri", "route"], ["command", "script", "cmd", "code", "cmdlet"],
        ["connection", "tenant", "account", "profile", "name"], ["body", "data", "payload", "content", "json"],
        [
            "query", "params", "parameters", "options", "select", "expand", "orderby", "$select", "$filter", "$expand",
            "$orderby",
        ], ["top", "limit", "count", "max", "size", "number"],
        ["method", "verb", "http_method"], ["output", "format"], ["filter", "jq", "where"], ["handle", "id", "job"],
        ["question", "search", "words", "text", "pattern"], ["module", "service", "resource"],
        ["arguments", "args", "parameters", "values"],
    ]

    /// The known name that is spelled nearest, else one that says the same with another word.
    /// - Parameters:
    ///   - unknown: the name as the caller wrote it, a flag with its hyphens.
    ///   - known: the names that there are, written alike.
    /// - Returns: `nil` where nothing is near.
    package static func meant(by unknown: String, among known: [String]) -> String? {
        // Hyphens that every flag has make no two of them alike.
        let word = bare(unknown)
        let names = known.map(bare)
        if let near = NearestNames.of(word, among: names, limit: 1).first, let place = names.firstIndex(of: near) {
            return known[place]
        }
        return zip(known, names).first { _, name in
            sameThings.contains { $0.contains(word) && $0.contains(name) }
        }?.0
    }

    private static func bare(_ name: String) -> String {
        name.drop { $0 == "-" }.lowercased().replacing("-", with: "_")
    }
}
