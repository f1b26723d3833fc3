package import MMCore
import MMPowerShell

/// A source of tool definitions: the owner's folder, or the product's recipes.
package enum ToolShelf: Sendable {
    /// The owner's folder.
    case own(StatePaths)
    /// The recipes.
    case recipes

    /// The operation that carries them out.
    package var operation: String {
        switch self {
        case .own: "do"
        case .recipes: "recipe"
        }
    }

    /// Returns the owner's folder.
    package static func folder(_ paths: StatePaths) -> ToolFolder {
        let names = Catalogue.standard.operations.flatMap { [$0.declaration.name] + $0.declaration.aliases }
        var modules = ["exchangeonlinemanagement": "exo"]
        for profile in ModuleProfiles.all { modules[profile.requirement.name.lowercased()] = profile.name }
        return ToolFolder(paths.toolsDirectory, reserved: Set(names + ["list"]), modules: modules)
    }

    /// Returns all definitions of the shelf.
    package func contents() -> ToolFolder.Contents {
        switch self {
        case .own(let paths): return Self.checked(Self.folder(paths).read())
        case .recipes:
            var contents = ToolFolder.Contents()
            contents.definitions = RecipeLibrary.all
            return contents
        }
    }

    /// Returns the definition with a name.
    /// - Throws: `invalidInput` for a broken one, `notFound` with the nearest names.
    package func definition(named name: String) throws(MMError) -> ToolDefinition {
        let contents = contents()
        if let definition = contents.definition(named: name) { return definition }
        let broken = contents.problems.first { problem in
            let file = problem.file.split(separator: "/").last ?? ""
            return file.split(separator: ".").dropLast().joined(separator: ".").lowercased() == name.lowercased()
        }
        if let broken {
            throw MMError(
                .invalidInput, "The tool `\(name)` can't be used: \(broken.message)", hint: broken.hint,
                details: broken.json)
        }
        let names = contents.definitions.map(\.name)
        let near = NearestNames.of(name, among: names)
        let noun =
            switch self {
            case .own: "tool of your own"
            case .recipes: "recipe"
            }
        throw MMError(
            .notFound, "There is no \(noun) called `\(name.prefix(80))`.",
            hint: near.isEmpty ? "`mm \(operation)` lists them." : "Did you mean \(near.joined(separator: " or "))?")
    }

    /// Replaces cmdlet patterns by their cmdlets, and reports faults that only the catalogue shows.
    private static func checked(_ contents: ToolFolder.Contents) -> ToolFolder.Contents {
        var checked = ToolFolder.Contents()
        checked.problems = contents.problems
        for definition in contents.definitions {
            do throws(MMError) {
                let made = try CmdletTools.expanded(definition)
                for tool in made {
                    try check(tool)
                    guard checked.definition(named: tool.name) == nil,
                        made.count == 1 || contents.definition(named: tool.name) == nil
                    else { continue }
                    checked.definitions.append(tool)
                }
            } catch {
                checked.problems.append(ToolProblem(file: definition.place, error))
            }
        }
        return checked
    }

    private static func check(_ tool: ToolDefinition) throws(MMError) {
        for parameter in tool.parameters where ToolInput.commonNames.contains(parameter.name) {
            throw MMError(
                .invalidInput, "\(tool.place): the parameter `\(parameter.name)` is reserved: every call has it.",
                hint: "Use another name.")
        }
        for parameter in tool.parameters where ToolProjection.isTaken(parameter.name) {
            throw MMError(
                .invalidInput,
                "\(tool.place): `--\(InputField(parameter.name, .text, "").flagName)` is reserved: every command has this flag.",
                hint: "Use another name for the parameter `\(parameter.name)`.")
        }
        var modules: [String] = []
        switch tool.work {
        case .script(_, let module), .cmdlet(_, let module): modules = [module]
        case .steps(let steps, _):
            for step in steps {
                if case .command(let command) = step.action { modules.append(command.module) }
            }
        case .cmdlets: break
        }
        for module in modules { _ = try RunModule.named(module) }
    }
}
