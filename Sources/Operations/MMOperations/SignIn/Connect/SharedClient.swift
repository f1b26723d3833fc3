/// Microsoft's own command line client that every tenant knows (Azure CLI). Entra ID has given it directory permissions
/// of Graph in advance, so that nobody has to consent; mail, files and most writes it has not.
enum SharedClient {
    static let appID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    static let title = "Microsoft's Azure CLI client"
}
