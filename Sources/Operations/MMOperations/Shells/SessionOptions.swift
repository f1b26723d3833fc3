import MMCore
import MMShell

/// The options for a session that has to be started.
struct SessionOptions: Sendable {
    /// The kind of a local shell.
    var kind: String?
    /// The initial directory of a local shell.
    var directory: String?
    /// A private key to offer to a host first.
    var key: String?
    /// The jump hosts.
    var jump: String?
    /// The name of the stored secret with the password.
    var passwordSecret: String?
    /// The name of the stored secret with the private key's passphrase.
    var passphraseSecret: String?
    /// The private key's passphrase, as a person has just typed it.
    var passphrase: Secret?
    /// Password, as a person has just typed it.
    var password: Secret?
    /// The answer to the host's further question, as a person has just typed it.
    var oneTimePassword: Secret?
    /// Whether the host is network equipment.
    var isDevice = false
    /// Whether the key of an unknown host is accepted.
    var acceptsNew = false

    /// Creates the default options.
    init() {}

    /// Reads the options for connecting to a host from a call.
    init(connecting reader: InputReader) throws(MMError) {
        key = try reader.text("key")
        jump = try reader.text("jump")
        passwordSecret = try reader.text("password_secret")
        passphraseSecret = try reader.text("passphrase_secret")
        passphrase = try reader.text("passphrase").map { Secret($0) }
        password = try reader.text("password").map { Secret($0) }
        oneTimePassword = try reader.text("one_time_password").map { Secret($0) }
        isDevice = try reader.flag("device")
        acceptsNew = try reader.flag("accept_new")
    }

    /// The arguments for connecting to a host.
    static let connectFields = [
        InputField("key", .text, "Path of the private key to try first.", .short("i"), .completes(.files)),
        InputField(
            "jump", .text, "Jump hosts, as for ssh -J.", .short("J"), .notForModels),
        InputField("password_secret", .text, "Name of the stored secret with the password."),
        InputField(
            "passphrase_secret", .text, "Name of the stored secret with the private key's passphrase.",
            .notForModels),
        InputField(
            "passphrase", .text, "Passphrase of the private key, as a person has just typed it.", .notOnCommandLine,
            .notForModels),
        InputField(
            "password", .text, "Password, as a person has just typed it.", .notOnCommandLine, .notForModels),
        InputField(
            "one_time_password", .text, "Answer to the host's further question, as a person has just typed it.",
            .notOnCommandLine, .notForModels),
        InputField(
            "device", .flag, "The host is network equipment without a POSIX shell."),
        InputField(
            "accept_new", .flag, "Accept the key of an unknown host.", .notForModels),
    ]

    /// The same arguments, hidden from models, for calls that seldom make a connection, since a model runs a command
    /// first.
    static let quietConnectFields = connectFields.map { $0.with(.notForModels) }
}
