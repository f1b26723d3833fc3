if (!(Get-Module -ListAvailable MicrosoftTeams)) { Install-Module MicrosoftTeams -Force }
Import-Module MicrosoftTeams
Connect-MicrosoftTeams
foreach ($team in Get-Team) { Get-TeamUser -GroupId $team.GroupId -Role Owner | Select-Object User }
Disconnect-MicrosoftTeams
