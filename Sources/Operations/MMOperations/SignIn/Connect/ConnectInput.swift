import MMCore
import MMIdentity

/// The arguments of `connect`. Each one that isn't given is found out or asked for.
struct ConnectInput: OperationInput {
    @Argument("tenant", "A domain of the organisation, an address in it, or the tenant's id.", .at(0))
    var tenant: String?
    @Argument("name", "What to call the connection (default: after the organisation).") var name: String?
    /// What it is to be able to do; `nil` where nothing was said.
    @Argument(
        [
            InputField(
                "uses", .text, "For what: \(ConnectionUse.allCases.map(\.rawValue).joined(separator: ","))."),
            InputField(
                "forRecipe", .text,
                "Recipes that are to run on it, with commas: exactly the permissions that they need."),
            InputField("scope", .text, "Single permissions of Microsoft Graph, with commas."),
        ], absent: .some(nil), reading: ConnectInput.needs)
    var needs: ConnectionNeeds?
    @Argument(
        "app", "own: the tenant's own app, made or found; shared: Microsoft's client, to read; or an app's id.",
        as: { (text) throws(MMError) in try App(text) })
    var app: App?
    @Argument(
        "cloud", "\(Cloud.names.joined(separator: ", ")), or the path of a cloud file (default: found out).")
    var cloud: String?
    @Argument("expectedEmail", "The account that must sign in (default: who does).") private var givenAccount: String?
    @Argument("guard", "How strictly the guard judges.", of: ["standard", "strict", "readonly"])
    var guardPolicy: String?
    @Argument(
        [
            InputField("browser", .flag, "Sign in in a browser of this machine."),
            InputField("deviceCode", .flag, "Sign in with a code."),
        ], absent: .some(nil), reading: SignInMethod.chosen)
    var method: SignInMethod?

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

    private static func needs(_ reader: InputReader) throws(MMError) -> ConnectionNeeds? {
        let (uses, recipes) = (try reader.text("uses"), try reader.text("forRecipe"))
        let scopes = try reader.text("scope")
        guard uses != nil || recipes != nil || scopes != nil else { return nil }
        return try ConnectionNeeds(uses: uses, recipes: recipes, scopes: scopes)
    }

    /// The account: the one that was named, or the address that names the tenant.
    var account: String? { givenAccount ?? tenant.flatMap { $0.contains("@") ? $0 : nil } }
}
