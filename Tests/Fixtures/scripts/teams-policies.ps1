Connect-MicrosoftTeams | Out-Null
Get-CsTeamsMeetingPolicy | Select-Object Identity, AllowAnonymousUsersToJoinMeeting
