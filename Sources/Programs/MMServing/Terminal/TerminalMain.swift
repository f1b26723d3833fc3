import MMCLI
import MMCore
import MMOperations

/// What `mm` is: the catalogue at a terminal.
package enum TerminalMain {
    /// Runs the command line of this process and ends it with the exit code.
    package static func main() -> Never {
        // A pool lets its calls finish; every other command ends at once.
        let isPool = CommandLine.arguments.dropFirst().prefix(2) == ["pool", "serve"]
        let serving = isPool ? try? PoolSignals.take() : nil
        CommandProcess.run(takesSignals: serving == nil) { (words, environment) in
            await perform(words, environment, serving)
        }
    }

    private static func perform(
        _ words: [String], _ environment: [String: String], _ serving: PoolSignals?
    ) async -> Int32 {
        let streams = CommandStreams(environment: environment)
        let services = OperationServices(environment: environment)
        let tools = ToolCommands.operations(for: words, services)
        let program = CommandLineProgram(
            catalogue: tools.isEmpty ? .standard : Catalogue(Catalogue.standard.operations + tools),
            service: { options in
                do throws(MMError) {
                    let choice = try PoolChoice.of(
                        embedded: options.isEmbedded, pool: options.pool, environment: environment)
                    return .success(try FrontEndService.make(choice, services, environment))
                } catch {
                    return .failure(error)
                }
            }, locals: { LocalCommands.all($0, environment: environment, signals: serving) }, terminal: streams,
            content: ContentSource(standardInput: StandardInput.text), proof: OwnerProof(paths: services.paths),
            prompts: CommandLineProgram.Prompts(
                history: PromptHistory(path: services.paths.stateDirectory + "/prompt-history.jsonl")
            ) {
                (connection, module) in
                do throws(MMError) {
                    return .success(
                        try PowerShellGuide(connection: connection, module: module, services: services.guardServices))
                } catch {
                    return .failure(error)
                }
            }, others: { OtherWords(connections: (try? services.registry.snapshot().names) ?? []).lines(for: $0) })
        let code = await program.run(words)
        await services.close()
        if serving == nil { await services.auditCopies.sendRest() }
        return code
    }
}
