/// Microsoft's own command-line client (Azure CLI), which exists in every tenant. Entra ID has preauthorised it for
/// directory permissions of Graph, so that nobody has to consent; not for mail, files and most writes.
enum SharedClient {
    static let appID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    static let title = "Microsoft's Azure CLI client"
}
