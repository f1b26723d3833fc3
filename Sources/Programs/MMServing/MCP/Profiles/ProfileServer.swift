import MMCore
import MMLegacy
import MMMCP
import MMOperations

/// A tool profile as a Model Context Protocol server: exactly its tools, under exactly their names.
struct ProfileServer {
    private let profile: ToolProfile
    private let services: OperationServices
    private let serverName: String
    private let prefix: String
    private let readOnly: Bool
    private let principals: PrincipalTable
    private let callLimits: CallLimits?

    /// A projection of a profile.
    /// - Parameters:
    ///   - profile: which tools.
    ///   - services: what operations work with.
    ///   - options: a prefix, where one is asked for; toolsets are the catalogue's and don't apply.
    ///   - principals: those who signed in.
    init(
        _ profile: ToolProfile, services: OperationServices, options: MCPFaceOptions,
        principals: PrincipalTable = PrincipalTable()
    ) {
        self.principals = principals
        callLimits = options.callLimits
        self.profile = profile
        self.services = services
        serverName = options.namesServer ? options.serverName : profile.serverName
        prefix = options.namesPrefix ? options.prefix : ""
        readOnly = options.readOnly
    }

    /// The server.
    /// - Throws: `MMError` when a tool's name or schema is none that the protocol allows.
    func server() throws(MMError) -> MCPServer {
        var serverOptions = ServerOptions()
        serverOptions.callLimits = callLimits
        return try MCPServer(
            ServerInfo(
                name: profile.http.serverName ?? profile.name, title: profile.title,
                version: profile.http.serverVersion ?? ProductVersion.text),
            instructions: profile.instructions,
            tools: profile.tools.filter { !readOnly || $0.effects.readOnly }.map(tool), options: serverOptions)
    }

    /// Tells this server's clients from those of every other process at the same pool.
    private static let instance = RandomBytes.text(bytes: 12)

    private static func sessionID(_ name: String) -> String { "\(instance):\(name)" }

    /// Whose shells those of a client's session are, as `CallContext.shellOwner` names it.
    static func owner(session name: String) -> String { "session:" + sessionID(name) }

    /// As the earlier servers said them: only what differs from the protocol's defaults.
    private static func annotations(_ effects: OperationDeclaration.Effects) -> ToolAnnotations {
        ToolAnnotations(
            readOnly: effects.readOnly ? true : nil, destructive: effects.readOnly || effects.destructive ? nil : false,
            idempotent: effects.readOnly || !effects.idempotent ? nil : true, openWorld: effects.openWorld ? nil : false
        )
    }

    private func tool(_ tool: ProfileTool) -> Tool {
        let services = services
        let (serverName, principals) = (serverName, principals)
        let outlivesSessions = profile.http.outlivesSessions
        return Tool(
            name: prefix + tool.name, description: tool.description, inputSchema: tool.inputSchema,
            outputSchema: tool.outputSchema, annotations: Self.annotations(tool.effects)
        ) { arguments, context in
            var call = context.call(to: serverName, principals: principals)
            call.followEarlierServers()
            // Where clients have sessions of their own, nothing that one keeps is another's, unless it is to outlive them.
            let session = outlivesSessions ? nil : context.sessionName
            call.sessionID = Self.sessionID(session ?? context.principal.name)
            call.person = MCPPerson.behind(context)
            do throws(MMError) {
                let answer = try await tool.call(arguments, call, services)
                return ToolResult(
                    content: [.text(answer.text)], structured: answer.structured.map { .object($0) },
                    isError: answer.isError)
            } catch {
                return ToolResult(content: [.text(error.description)], isError: true)
            }
        }
    }
}
