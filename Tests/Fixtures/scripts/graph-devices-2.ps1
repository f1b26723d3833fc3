Connect-MgGraph -Scopes "User.Read.All", "Directory.Read.All" -NoWelcome
Get-MgDevice -All | Group-Object OperatingSystem | Sort-Object Count -Descending | Select-Object Name, Count
Disconnect-MgGraph -ErrorAction SilentlyContinue
