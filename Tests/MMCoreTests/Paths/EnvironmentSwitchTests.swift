import MMCore
import Testing

@Suite("Switches in environment variables")
struct EnvironmentSwitchTests {
    @Test(
        "the words of a switch are on or off in any case; a variable that isn't set is off",
        arguments: [
            ("1", true), ("true", true), ("Yes", true), ("ON", true), ("0", false), ("False", false), ("no", false),
            ("off", false), ("", false), (nil, false),
        ] as [(String?, Bool)])
    func words(word: String?, due: Bool) throws {
        let environment = word.map { ["MM_X": $0] } ?? [:]
        #expect(try EnvironmentSwitch.isOn("MM_X", of: environment) == due)
        let isSet = word?.isEmpty == false
        #expect(try EnvironmentSwitch.isOn("MM_X", of: environment, unset: true) == (isSet ? due : true))
    }

    @Test("every other word is refused with the variable's name, the word and the remedy", arguments: ["ja", "2", " "])
    func others(word: String) throws {
        let error = try #require(throws: MMError.self) { try EnvironmentSwitch.isOn("MM_X", of: ["MM_X": word]) }
        #expect(error.code == .invalidInput && error.message == "MM_X can't be `\(word)`.")
        #expect(error.hint == "Give 1 or 0.")
    }
}
