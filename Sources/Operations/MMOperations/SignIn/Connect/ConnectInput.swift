import MMCore
import MMIdentity

/// The arguments of `connect`. Each one that isn't given is found out or asked for.
struct ConnectInput: OperationInput {
    static let fields: [InputField] = [
        InputField(
            "tenant", .text, "A domain of the organisation, an address in it, or the tenant's id.",
            at: .positional(0)),
        InputField("name", .text, "What to call the connection (default: after the organisation)."),
        InputField(
            "uses", .text,
            "For what: \(ConnectionUse.allCases.map(\.rawValue).joined(separator: ","))."),
        InputField(
            "forRecipe", .text, "Recipes that are to run on it, with commas: exactly the permissions that they need."),
        InputField("scope", .text, "Single permissions of Microsoft Graph, with commas."),
        InputField(
            "app", .text,
            "own: the tenant's own app, made or found; shared: Microsoft's client, to read; or an app's id."),
        InputField(
            "cloud", .text, "\(Cloud.names.joined(separator: ", ")), or the path of a cloud file (default: found out)."),
        InputField("expectedEmail", .text, "The account that must sign in (default: who does)."),
        InputField("guard", .choice(["standard", "strict", "readonly"]), "How strictly the guard judges."),
        InputField("browser", .flag, "Sign in in a browser of this machine."),
        InputField("deviceCode", .flag, "Sign in with a code."),
    ]

    /// Which app the connection signs in as.
    enum App: Equatable {
        case own
        case shared
        case registered(String)

        init(_ text: String) throws(MMError) {
            switch text.lowercased() {
            case "own": self = .own
            case "shared": self = .shared
            case let id where GUID.isValid(id): self = .registered(id)
            default:
                throw MMError(
                    .invalidInput, "`app` is own, shared, or the id of an app registration, not '\(text.prefix(60))'.",
                    hint: "For example --app own.", details: ["field": "app"])
            }
        }
    }

    let tenant: String?
    let name: String?
    /// What it is to be able to do; `nil` where nothing was said.
    let needs: ConnectionNeeds?
    let app: App?
    let cloud: String?
    let guardPolicy: String?
    let method: SignInMethod?
    private let givenAccount: String?

    init(from reader: InputReader) throws(MMError) {
        tenant = try reader.text("tenant")
        name = try reader.text("name")
        let (uses, recipes) = (try reader.text("uses"), try reader.text("forRecipe"))
        let scopes = try reader.text("scope")
        needs =
            uses == nil && recipes == nil && scopes == nil
            ? nil : try ConnectionNeeds(uses: uses, recipes: recipes, scopes: scopes)
        app = try reader.text("app").map { text throws(MMError) in try App(text) }
        cloud = try reader.text("cloud")
        givenAccount = try reader.text("expectedEmail")
        guardPolicy = try reader.text("guard")
        method = try reader.signInWay()
    }

    /// The account: the one that was named, or the address that names the tenant.
    var account: String? { givenAccount ?? tenant.flatMap { $0.contains("@") ? $0 : nil } }
}
