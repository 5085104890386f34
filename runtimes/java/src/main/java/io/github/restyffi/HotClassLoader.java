package io.github.restyffi;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;

/**
 * Loads the author's classes afresh, as they are on the class path now: for {@code demo.App?}. Only
 * the JDK's classes and those of this package are shared with other runtimes.
 */
final class HotClassLoader extends URLClassLoader {
    private static final String OURS = HotClassLoader.class.getPackageName();

    static {
        registerAsParallelCapable();
    }

    HotClassLoader(String classPath) {
        super("ffi-java-hot", urls(classPath), HotClassLoader.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> known = findLoadedClass(name);
            return known != null ? known : find(name);
        }
    }

    private Class<?> find(String name) throws ClassNotFoundException {
        try {
            return getPlatformClassLoader().loadClass(name);
        } catch (ClassNotFoundException e) {
            if (name.substring(0, Math.max(0, name.lastIndexOf('.'))).equals(OURS)) {
                return getParent().loadClass(name);
            }
        }
        try {
            return findClass(name);
        } catch (ClassNotFoundException e) {
            return getParent().loadClass(name);
        }
    }

    @Override
    public URL getResource(String name) {
        URL own = findResource(name);
        return own != null ? own : super.getResource(name);
    }

    private static URL[] urls(String classPath) {
        List<URL> urls = new ArrayList<>();
        try {
            for (String path : classPath.split(File.pathSeparator)) {
                urls.add(new File(path).toURI().toURL());
            }
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(
                    "the class path \"%s\" cannot be read".formatted(classPath), e);
        }
        return urls.toArray(URL[]::new);
    }
}
