/// The keys of `_meta` that the protocol reserves.
enum MetaKey {
    static let protocolVersion = "io.modelcontextprotocol/protocolVersion"
    static let clientCapabilities = "io.modelcontextprotocol/clientCapabilities"
    static let clientInfo = "io.modelcontextprotocol/clientInfo"
    static let serverInfo = "io.modelcontextprotocol/serverInfo"
    static let logLevel = "io.modelcontextprotocol/logLevel"
    static let subscriptionID = "io.modelcontextprotocol/subscriptionId"
    static let progressToken = "progressToken"
}
