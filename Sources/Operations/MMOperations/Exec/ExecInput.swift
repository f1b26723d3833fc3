import MMCore
import MMGuard

/// The arguments of `exec`.
struct ExecInput: OperationInput {
    @Argument(
        "connection", "Whose sign-in the program has; env: for the one that AZURE_CLIENT_ID and its like describe.",
        .at(0))
    var connection: String
    @Argument("command", "The program and its arguments, after --.", .required, .at(1), .mayBeEmpty)
    var command: [String]
    @Argument("read_only", "Hold back everything that changes something.") var isReadOnly: Bool
    @Argument(
        "allow",
        "A class of changes that passes without being asked about: write, destructive, send, … Several are given "
            + "one by one.", asAll: ExecInput.classes)
    var allowed: [GuardClass] = []
    @Argument("read", "A folder that the program may read besides.") var readable: [String]
    @Argument("write", "A folder that the program may write to besides.") var writable: [String]
    @Argument("env", "A variable of yours that the program gets besides, by its name.") var variables: [String]
    @Argument("host", "A host that the program may reach besides, such as api.github.com.", asAll: ExecInput.hosts)
    var hosts: [PlainHostName] = []

    func check() throws(MMError) {
        guard let program = command.first, !program.isEmpty else {
            throw MMError(
                .invalidInput, "Which program is to run?",
                hint: "Write it after --: mm exec Contoso -- az account show.",
                details: ["field": "command"])
        }
        guard allowed.isEmpty || !isReadOnly else {
            throw MMError(
                .invalidInput, "--read-only and --allow exclude each other.", hint: "Leave one of them out.",
                details: ["field": "allow"])
        }
    }

    private static func classes(_ texts: [String]) throws(MMError) -> [GuardClass] {
        var classes: [GuardClass] = []
        for word in texts.flatMap({ $0.split(separator: ",") }) {
            guard let one = GuardClass(word: String(word)), StandingApproval.isPossible(one) else {
                let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
                throw MMError(
                    .invalidInput, "`\(word.prefix(40))` can't be allowed.",
                    hint:
                        "Classes that can: \(possible.joined(separator: ", ")). All others are asked about each time.",
                    details: ["field": "allow"])
            }
            classes.append(one)
        }
        return classes
    }

    private static func hosts(_ texts: [String]) throws(MMError) -> [PlainHostName] {
        var names: [PlainHostName] = []
        for text in texts {
            guard let name = PlainHostName(text) else {
                throw MMError(
                    .invalidInput, "`\(text.prefix(80))` is no plain host name.", hint: "For example api.github.com.",
                    details: ["field": "host"])
            }
            names.append(name)
        }
        return names
    }
}
