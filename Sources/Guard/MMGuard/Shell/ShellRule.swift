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
    case loader = "shell-loader"
    case recursion = "shell-recursion"
    case unreadable = "shell-unreadable"

    /// The effect that the rule catches.
    var reason: String {
        switch self {
        case .reads: "it only looks"
        case .writes: "it changes or makes something"
        case .removes: "it removes or overwrites what can't be brought back"
        case .device: "it writes to a device or a file of the system"
        case .rights: "it acts with or changes rights of the machine"
        case .software: "it changes which software the machine has"
        case .managed: "it changes what runs in a cloud or cluster"
        case .network: "it sends data out, or opens a way in or out"
        case .mail: "it sends mail"
        case .secrets: "it reads keys or passwords"
        case .ownFiles: "it touches the files in which mm keeps sign-ins, connections and confirmations"
        case .ownProgram: "it would confirm, sign in or change connections in a person's place"
        case .dynamic: "which program it runs can't be told from the text"
        case .fed: "a shell or interpreter runs what another command writes"
        case .interpreter: "an interpreter can do anything that its user can, and a host has no walls around it"
        case .unknown: "nothing says that it only looks, and a host has no walls around it"
        case .stranger:
            "nothing is known of this program, nor do its words say that what it does stays in the workspace"
        case .loader: "it sets what makes later commands load or run something else"
        case .recursion: "a function that calls itself can fill the machine with processes"
        case .unreadable: "the text can't be taken apart"
        }
    }

    var classes: GuardClassSet {
        switch self {
        case .reads: .read
        case .writes: .write
        case .removes, .recursion: .destructive
        case .device: [.destructive, .privilege]
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
        case .dynamic, .fed, .unreadable, .interpreter, .unknown, .stranger: .dynamic
        default: .classified
        }
    }

    var instead: String? {
        switch self {
        case .dynamic: "Write the program's name out."
        case .fed: "Save it to a file, read it, then run the file."
        case .interpreter:
            "Use commands of the shell; the host's owner allows interpreters with \"ssh\": {\"interpreters\": \"allow\"}."
        case .unknown:
            "The host's owner allows what changes something there, and interpreters, with \"ssh\": {\"interpreters\": \"allow\"}."
        case .stranger: "Run a program of the project by its path."
        case .unreadable: "Check quotes and parentheses."
        case .ownFiles: "Use the connections, status and audit tools of mm."
        case .ownProgram: "A person does this in a terminal of their own."
        default: nil
        }
    }
}
