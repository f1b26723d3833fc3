import MMCore
import MMGuard

/// What `exec` is called with.
struct ExecInput: OperationInput {
    static let fields: [InputField] = [
        InputField(
            "connection", .text,
            "Whose sign-in the program has; env: for the one that AZURE_CLIENT_ID and its like describe.",
            isRequired: true, at: .positional(0)),
        InputField(
            "command", .textList, "The program and its arguments, after --.", isRequired: true, at: .positional(1)
        ).orEmpty,
        InputField("read_only", .flag, "Hold back everything that changes something."),
        InputField(
            "allow", .textList,
            "A class of changes that passes without being asked about: write, destructive, send, … Several are given "
                + "one by one."),
        InputField("read", .textList, "A folder that the program may read besides."),
        InputField("write", .textList, "A folder that the program may write to besides."),
        InputField("env", .textList, "A variable of yours that the program gets besides, by its name."),
        InputField("host", .textList, "A host that the program may reach besides, such as api.github.com."),
    ]

    let connection: String
    let command: [String]
    let isReadOnly: Bool
    let allowed: [GuardClass]
    let readable: [String]
    let writable: [String]
    let variables: [String]
    let hosts: [PlainHostName]

    init(from reader: InputReader) throws(MMError) {
        connection = try reader.requiredText("connection")
        command = try reader.textList("command") ?? []
        guard let program = command.first, !program.isEmpty else {
            throw MMError(
                .invalidInput, "Which program is to run?",
                hint: "Write it after --: mm exec Contoso -- az account show.",
                details: ["field": "command"])
        }
        isReadOnly = try reader.flag("read_only")
        readable = try reader.textList("read") ?? []
        writable = try reader.textList("write") ?? []
        variables = try reader.textList("env") ?? []
        var classes: [GuardClass] = []
        for word in try reader.textList("allow")?.flatMap({ $0.split(separator: ",").map(String.init) }) ?? [] {
            guard let one = GuardClass(word: word), StandingApproval.isPossible(one) else {
                let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
                throw MMError(
                    .invalidInput, "`\(word.prefix(40))` can't be allowed.",
                    hint:
                        "Classes that can: \(possible.joined(separator: ", ")). All others are asked about each time.",
                    details: ["field": "allow"])
            }
            classes.append(one)
        }
        allowed = classes
        guard classes.isEmpty || !isReadOnly else {
            throw MMError(
                .invalidInput, "--read-only and --allow exclude each other.", hint: "Leave one of them out.",
                details: ["field": "allow"])
        }
        var names: [PlainHostName] = []
        for text in try reader.textList("host") ?? [] {
            guard let name = PlainHostName(text) else {
                throw MMError(
                    .invalidInput, "`\(text.prefix(80))` is no plain host name.", hint: "For example api.github.com.",
                    details: ["field": "host"])
            }
            names.append(name)
        }
        hosts = names
    }
}
