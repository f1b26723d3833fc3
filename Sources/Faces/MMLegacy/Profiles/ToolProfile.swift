package import MMOperations

/// The tools of an earlier server under their own names, which `mm-mcp --profile NAME` offers instead of the catalogue.
///
/// A profile maps names, parameters and answer texts to operations, and adds no capabilities. What it must remember
/// between calls is kept in actors held by its tools, so each server creates its profile once.
package struct ToolProfile: Sendable {
    /// The name on the command line.
    package let name: String
    /// The display name.
    package let title: String
    /// What a model should know before it starts.
    package let instructions: String
    /// The tools, in the order in which they are listed.
    package let tools: [ProfileTool]
    /// The environment variables that the profile reads.
    package let settings: [ProfileSetting]
    /// The name that connections' `mcps` lists are compared with, unless the command line gives another.
    package let serverName: String
    /// Maintains what the tools keep, until the task is cancelled.
    package let upkeep: @Sendable (OperationServices) async -> Void
    /// Releases what the tools keep; called once, when the server ends.
    package let close: @Sendable () async -> Void
    /// The peculiarities when served over HTTP.
    package let http: ProfileHTTP

    /// Creates a profile.
    /// - Parameters:
    ///   - name: the name on the command line.
    ///   - title: the display name.
    ///   - instructions: what a model should know before it starts.
    ///   - tools: the tools, in the order in which they are listed.
    ///   - settings: the environment variables that the profile reads.
    ///   - serverName: the name that `mcps` lists are compared with.
    ///   - upkeep: maintains what the tools keep.
    ///   - close: releases what the tools keep.
    ///   - http: the peculiarities when served over HTTP.
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
    /// The variable's name.
    package let name: String
    /// The value when it isn't set.
    package let standard: String
    /// Its purpose and unit.
    package let summary: String

    package init(_ name: String, standard: String, _ summary: String) {
        self.name = name
        self.standard = standard
        self.summary = summary
    }
}
