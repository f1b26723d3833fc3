/// The rules for shell commands, as `mm guard rules` lists them.
enum ShellRule: String, Sendable, CaseIterable {
    case reads = "shell-reads"
    case writes = "shell-writes"
    case removes = "shell-removes"
    case device = "shell-device"
    case rights = "shell-rights"
    case software = "shell-software"
    case managed = "shell-managed"
    case network = "shell-network"
    case mail = "shell-mail"
    case secrets = "shell-secrets"
    case ownFiles = "shell-own-files"
    case ownProgram = "shell-own-program"
    case dynamic = "shell-dynamic"
    case fed = "shell-fed"
    case interpreter = "shell-interpreter"
    case unknown = "shell-unknown"
    case stranger = "shell-stranger"
    case unreachable = "shell-unreachable"
    case loader = "shell-loader"
    case recursion = "shell-recursion"
    case unreadable = "shell-unreadable"
    case nested = "shell-nested"

    /// The effect that the rule catches.
    var reason: String {
        switch self {
        case .reads: "it only reads"
        case .writes: "it creates or changes something"
        case .removes: "it removes or overwrites data that can't be restored"
        case .device: "it writes to a device or a file of the system"
        case .rights: "it uses or changes permissions on the machine"
        case .software: "it installs or removes software"
        case .managed: "it changes a cloud or cluster"
        case .network: "it sends data out, or opens a network connection"
        case .mail: "it sends mail"
        case .secrets: "it reads keys or passwords"
        case .ownFiles: "it touches the files in which mm keeps sign-ins, connections and confirmations"
        case .ownProgram: "it would confirm, sign in or change connections instead of a person"
        case .dynamic: "what it runs or does can't be determined from the text"
        case .fed: "a shell or interpreter runs the output of another command"
        case .interpreter: "an interpreter can do anything that its user can, and sessions on hosts are not confined"
        case .unknown: "the command is not known to only read, and sessions on hosts are not confined"
        case .stranger:
            "this program is unknown, and its arguments don't show that it stays in the workspace"
        case .unreachable: "it acts on other machines, which this session without a network can't reach"
        case .loader: "it sets a variable that makes later commands load or run other code"
        case .recursion: "a function that calls itself can overload the machine with processes"
        case .unreadable: "the text can't be parsed"
        case .nested: "it runs so many commands through each other that not all were judged"
        }
    }

    var classes: GuardClassSet {
        switch self {
        case .reads: .read
        case .writes, .unreachable: .write
        case .removes, .recursion: .destructive
        case .device, .nested: [.destructive, .privilege]
        case .rights, .software, .managed, .loader: .privilege
        case .network: .external
        case .mail: .send
        case .secrets: .secret
        case .ownFiles, .ownProgram: .session
        case .dynamic, .fed, .unreadable, .interpreter, .unknown, .stranger: .write
        }
    }

    var kind: GuardFinding.Kind {
        switch self {
        case .dynamic, .fed, .unreadable, .nested, .interpreter, .unknown, .stranger: .dynamic
        default: .classified
        }
    }

    /// Whether it is about effects on other machines, which a session without a network can't have.
    var isElsewhere: Bool { [.network, .managed, .stranger].contains(self) }

    var instead: String? {
        switch self {
        case .dynamic: "Write the program's name, its verb and its files directly."
        case .fed: "Save it to a file, read it, then run the file."
        case .interpreter:
            "Use shell commands, or ask the owner to allow interpreters with \"ssh\": {\"interpreters\": \"allow\"}."
        case .unknown:
            "The owner can allow changes and interpreters on hosts with \"ssh\": {\"interpreters\": \"allow\"}."
        case .stranger: "Run a program of the project by its path."
        case .unreadable: "Check quotes and parentheses."
        case .nested: "Run the files one by one."
        case .ownFiles: "Use the connections, status and audit tools of mm."
        case .ownProgram: "A person must do this in their own terminal."
        default: nil
        }
    }
}
