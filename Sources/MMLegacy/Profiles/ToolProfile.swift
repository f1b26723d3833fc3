package import MMOperations

/// The tools of an earlier server, under their own names: what `mm-mcp --profile NAME` offers in place of the catalogue.
///
/// A profile maps names, parameters and answer texts to operations; it adds nothing that can be done. What it must
/// remember between calls lives in the actors its tools hold, so a profile is made once for each server.
package struct ToolProfile: Sendable {
    /// The name on the command line.
    package let name: String
    /// The name for people.
    package let title: String
    /// What a model should know before it begins.
    package let instructions: String
    /// The tools, in the order in which they are listed.
    package let tools: [ProfileTool]
    /// The environment variables that it reads.
    package let settings: [ProfileSetting]
    /// The name that connections' `mcps` lists are compared with, unless the command line says another.
    package let serverName: String
    /// Looks after what the tools keep, until the task is cancelled.
    package let upkeep: @Sendable (OperationServices) async -> Void
    /// Ends what the tools keep; called once, when the server ends.
    package let close: @Sendable () async -> Void
    /// What is special where it is served by HTTP.
    package let http: ProfileHTTP

    /// A profile.
    /// - Parameters:
    ///   - name: the name on the command line.
    ///   - title: the name for people.
    ///   - instructions: what a model should know before it begins.
    ///   - tools: in the order in which they are listed.
    ///   - settings: the environment variables that it reads.
    ///   - serverName: what `mcps` lists are compared with.
    ///   - upkeep: looks after what the tools keep.
    ///   - close: ends what the tools keep.
    ///   - http: what is special where it is served by HTTP.
    package init(
        name: String, title: String, instructions: String, tools: [ProfileTool], settings: [ProfileSetting] = [],
        serverName: String = "mm", upkeep: @escaping @Sendable (OperationServices) async -> Void = { _ in },
        close: @escaping @Sendable () async -> Void = {}, http: ProfileHTTP = ProfileHTTP()
    ) {
        self.name = name
        self.title = title
        self.instructions = instructions
        self.tools = tools
        self.settings = settings
        self.serverName = serverName
        self.upkeep = upkeep
        self.close = close
        self.http = http
    }
}

/// An environment variable that a profile reads.
package struct ProfileSetting: Sendable, Hashable {
    /// Its name.
    package let name: String
    /// What counts when it is not set.
    package let standard: String
    /// What it is for, with its unit.
    package let summary: String

    package init(_ name: String, standard: String, _ summary: String) {
        self.name = name
        self.standard = standard
        self.summary = summary
    }
}
