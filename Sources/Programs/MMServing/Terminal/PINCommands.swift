import Glibc
import MMCLI
import MMCore
import MMOperations
import MMSystem

/// `mm pin`: the PIN with which a person confirms, where a connection asks for it.
enum PINCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        let proof = OwnerProof(paths: StatePaths(environment: environment))
        return [
            LocalCommand(
                ["pin", "set"], summary: "Set or change the PIN that confirms requests.",
                discussion:
                    "Connections with \"person\": \"pin\" want it at each yes. It is typed in a terminal and kept as a slow hash; "
                    + "five wrong tries block confirmations for a quarter of an hour.",
                examples: [.init("mm pin set", "asks for the old one, where there is one, and twice for the new")]
            ) { (_, _, streams) async throws(MMError) in
                try await giveOld(proof)
                let new = try await ask("New PIN: ")
                guard try await ask("Once more: ") == new else {
                    throw MMError(.invalidInput, "The two are not the same.", hint: "Nothing was changed.")
                }
                try await proof.setPIN(new)
                streams.note("\nThe PIN is set.")
                return 0
            },
            LocalCommand(
                ["pin", "remove"], summary: "Take the PIN away.",
                examples: [.init("mm pin remove", "asks for it a last time")]
            ) { (_, _, streams) async throws(MMError) in
                try await giveOld(proof)
                try await proof.setPIN(nil)
                streams.note("\nThe PIN is gone: connections that want one confirm nothing until it is set again.")
                return 0
            },
        ]
    }

    /// Nobody changes a PIN without knowing it, and nobody in a session.
    private static func giveOld(_ proof: OwnerProof) async throws(MMError) {
        try PersonProof.require(process: getpid())
        guard try proof.hasPIN() else { return }
        try await proof.check(.pin, try await ask("PIN: "))
    }

    private static func ask(_ prompt: String) async throws(MMError) -> Secret {
        Secret(try await Terminal.controlling.ask(prompt, hidden: true) ?? "")
    }
}
