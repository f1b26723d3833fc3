import MMCore

/// The guess at the argument that a caller means by an unknown name, the same for tools, flags and request bodies.
package enum ArgumentNames {
    /// Groups of words that callers use for the same argument.
    private static let sameThings: [Set<String>] = [
        ["endpoint", "path", "url", "uri", "route"], ["command", "script", "cmd", "code", "cmdlet"],
        ["connection", "tenant", "account", "profile", "name"], ["body", "data", "payload", "content", "json"],
        [
            "query", "params", "parameters", "options", "select", "expand", "orderby", "$select", "$filter", "$expand",
            "$orderby",
        ], ["top", "limit", "count", "max", "size", "number"],
        ["method", "verb", "http_method"], ["output", "format"], ["filter", "jq", "where"], ["handle", "id", "job"],
        ["question", "search", "words", "text", "pattern"], ["name", "recipe", "task"],
        ["module", "service", "resource"],
        ["arguments", "args", "parameters", "values"],
    ]

    /// Returns the known name with the nearest spelling, otherwise one that is a synonym.
    /// - Parameters:
    ///   - unknown: the name as the caller wrote it, a flag with its hyphens.
    ///   - known: the known names, written in the same way.
    /// - Returns: `nil` if no name is near.
    package static func meant(by unknown: String, among known: [String]) -> String? {
        // The leading hyphens of flags are removed, since they would make all flags look similar.
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

/// The choice that a caller means by another name of the same thing, such as that of a PowerShell module.
enum ChoiceWords {
    /// The names of each thing, without signs and in small letters.
    private static let sameThings: [Set<String>] = [
        ["exo", "exchange", "exchangeonline", "exchangeonlinemanagement"],
        ["pnp", "pnppowershell", "sharepoint", "sharepointonline", "spo"],
        ["azure", "az", "azurerm", "arm"], ["teams", "microsoftteams", "msteams"],
        ["graph", "microsoftgraph", "msgraph", "mggraph", "mg"], ["powerplatform", "powerapps"],
        ["compliance", "purview", "securitycompliance", "ippssession"], ["flow", "powerautomate"],
    ]

    /// Returns the choice with a name, in any case, or the only one that is the same thing; `nil` for none.
    static func meant(by text: String, among words: [String]) -> String? {
        let given = text.lowercased()
        if let word = words.first(where: { $0.lowercased() == given }) { return word }
        let plain = given.filter { $0.isLetter || $0.isNumber }
        guard let names = sameThings.first(where: { $0.contains(plain) }) else { return nil }
        return words.first { names.contains($0) }
    }
}
