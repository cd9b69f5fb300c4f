// Part of the program. A static object's constructor runs before main and prints the banner.
#include <stdio.h>

#include "helper.h"

namespace {

struct Banner {
    Banner()
    {
        fputs("native-tool, with ", stderr);
        fputs(helper_name(), stderr);
        fputs("\n", stderr);
    }
};

const Banner banner;

} // namespace
