import MMCore

/// What the owner of a stored secret has named it for: whoever knows its name alone can't have it sent to a host of their own,
/// or typed into a program that shows it.
package struct SecretUses: Sendable, Hashable {
    /// What a secret is wanted for.
    package enum Use: Sendable, Hashable {
        /// Signing in to a host, or a question of a command there.
        case host(String)
        /// A question of a program of this machine, by its file.
        case program(String)
    }

    /// Patterns of hosts, with `*` for any letters.
    package var hosts: [String] = []
    /// Files of programs.
    package var programs: [String] = []

    /// No use.
    package init() {}

    /// Whether a use is named.
    package func allows(_ use: Use) -> Bool {
        switch use {
        case .host(let name): hosts.contains { ShellOpening.matches($0[...], name[...]) }
        case .program(let path): programs.contains(path)
        }
    }

    /// The refusal of a use that is not named.
    static func refusal(_ name: String, _ use: Use) -> MMError {
        let (what, member) =
            switch use {
            case .host(let host): ("the host \(host)", "\"hosts\": [\"\(host)\"]")
            case .program(let path):
                path.isEmpty
                    ? ("a program that can't be told", "\"programs\": [\"/path/of/the/program\"]")
                    : ("the program \(path)", "\"programs\": [\"\(path)\"]")
            }
        return MMError(
            .denied, "The secret “\(name)” is not named for \(what).",
            hint: "Its owner allows it in the shells file: \"secrets\": {\"\(name)\": {\(member)}}.",
            details: ["rule": "secret-use"])
    }
}
