import MMCLI
import MMCore
import MMGuard
import MMOperations

/// `mm guard check --batch`: many verdicts, one a line, each before the next line is read.
enum GuardCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        [
            LocalCommand(
                ["guard", "check"], trigger: "--batch", summary: "Judge many scripts and requests.",
                fields: [
                    InputField(
                        "batch", .flag, "Standard input is JSON lines: {id, src, module} or {id, method, url, body}."),
                    InputField("module", .text, "The module of lines that name none.", .short("m")),
                    InputField(
                        "policy", .choice(["standard", "strict", "readonly"]), "The policy (default standard)."),
                ]
            ) { (input, _, streams) async throws(MMError) in
                let policy = GuardPolicy(
                    try input.text("policy").flatMap { GuardPolicy.Name(rawValue: $0) } ?? .standard)
                let batch = GuardBatch(
                    engine: try CurrentGuard(environment: environment).engine(), policy: policy,
                    module: try input.text("module"), locate: { ServiceAddress.service(at: $0) })
                try await BatchInput.lines { (line) throws(MMError) in try streams.writeLine(batch.judge(line: line)) }
                return 0
            }
        ]
    }
}
