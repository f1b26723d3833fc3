import MMCore
import MMPowerShell

/// The keys of a connection that commands can set, and how they read them.
enum ConnectionFields {
    /// One flag a key; `--set key=value` reaches every other key.
    static let settable: [InputField] = [
        InputField("appId", .text, "Client id of the app registration (GUID)."),
        InputField("tenant", .text, "The tenant's domain, such as contoso.com."),
        InputField("tenantId", .text, "The tenant's id (GUID)."),
        InputField("expectedEmail", .text, "The account that must have signed in."),
        InputField("description", .text, "What the connection is for; models see this."),
        InputField(
            "cloud", .text,
            "\(Connection.clouds.joined(separator: ", ")) (default public), or the path of a cloud file."),
        InputField(
            "guard", .choice(["standard", "strict", "readonly"]), "How strictly the guard judges (default standard)."),
        InputField(
            "egress", .choice(["off"]),
            "off: PowerShell sessions reach every host by themselves; egress.allow=HOST,… adds hosts instead."),
        InputField(
            "confinement", .choice(ConnectionConfinement.allCases.map(\.rawValue)),
            "How far the kernel shuts sessions in (default preferred)."),
        InputField("subscription", .text, "The Azure subscription that sessions begin with, by name or id."),
        InputField(
            "set", .parameters,
            "Any key=value, such as mcps=mm or keepSpares=exo,azure; an empty value removes the key.",
            at: .positional(1)),
    ]

    /// The keys and texts that a call gives.
    static func read(_ reader: InputReader) throws(MMError) -> [(key: String, text: String?)] {
        var fields: [(key: String, text: String?)] = []
        for field in settable where field.name != "set" {
            if let text = try reader.text(field.name) { fields.append((field.name, text)) }
        }
        for (key, text) in try reader.parameters("set") { fields.append((key, text)) }
        for case ("keepSpares", let text?) in fields where !text.hasPrefix("[") {
            for word in text.split(separator: ",") {
                _ = try ModuleProfiles.named(String(word.filter { !$0.isWhitespace }))
            }
        }
        return fields
    }
}
